/* schema.c: the tables, indexes and views of the sqlite sink, as SQL. Times are nanoseconds: ts,
 * start, sent, ... since the Unix epoch; duration, own, latency, ... long. README.md beside it
 * tells what they are for.
 */
#include "sinks/sqlite/sqlite.h"

const char db_schema[] =
    "pragma application_id = 0x62746170;\n"
    "pragma user_version = 1;\n"

    "create table run (key text primary key, value text) without rowid;\n"
    "create table nodes (id integer primary key, name text, release text);\n"
    "create table kinds (id integer primary key, name text);\n"
    "create table functions (id integer primary key, module text, function text, arity "
    "integer, name text);\n"
    "create table processes (id integer primary key, node integer references nodes, pid "
    "text, name text,\n"
    "parent integer references processes, started integer, ended integer, reason text);\n"
    "create table events (id integer primary key, ts integer, node integer references "
    "nodes, kind integer references kinds,\n"
    "process integer references processes, function integer references functions, peer "
    "text, message text, metadata text,\n"
    "flow integer);\n"
    "create table calls (id integer primary key references events, process integer "
    "references processes,\n"
    "function integer references functions, caller integer references calls, depth "
    "integer, start integer, duration integer,\n"
    "own integer, ended text, result integer references events);\n"
    "create table messages (id integer primary key, sender integer references processes, "
    "receiver integer references processes,\n"
    "sent integer, received integer, latency integer, send integer references events, "
    "receive integer references events);\n"
    "create table gen_calls (id integer primary key, client integer references processes, "
    "server integer references processes,\n"
    "request text, sent integer, taken integer, replied integer, done integer, duration "
    "integer, waiting integer,\n"
    "handling integer);\n"
    "create table losses (event integer primary key references events, node integer "
    "references nodes, kind text, events integer,\n"
    "duration integer, reason text);\n"

    "create unique index functions_name on functions (module, function, arity);\n"
    "create index processes_pid on processes (node, pid);\n"
    "create index events_ts on events (ts);\n"
    "create index events_process on events (process) where process is not null;\n"
    "create index events_function on events (function) where function is not null;\n"
    "create index calls_function on calls (function, duration);\n"
    "create index messages_sender on messages (sender, receiver);\n"

    /* The rows of the csv sink, so that what asks a table made of that works here too. */
    "create view trace as\n"
    "select e.ts, n.name as node, k.name as event, coalesce(p.pid, '') as pid,\n"
    "    coalesce(f.module, '') as module, coalesce(f.function, '') as function,\n"
    "    coalesce(f.arity, -1) as arity, coalesce(e.peer, '') as peer,\n"
    "    coalesce(e.message, '') as message, coalesce(e.metadata, '') as metadata, e.flow,\n"
    "    coalesce(p.name, '') as process\n"
    "from events e left join nodes n on n.id = e.node join kinds k on k.id = e.kind\n"
    "    left join processes p on p.id = e.process left join functions f on f.id = e.function;\n"

    "create view called_processes as\n"
    "select id, coalesce(name || ' ', '') || pid as process from processes;\n"

    /* Which functions are called most? */
    "create view functions_by_calls as\n"
    "select f.name as function, count(*) as calls\n"
    "from events e join functions f on f.id = e.function\n"
    "where e.kind = (select id from kinds where name = 'function_call') group by "
    "e.function order by calls desc, function;\n"

    /* Where does the time go? */
    "create view functions_by_time as\n"
    "select f.name as function, count(*) as calls, sum(c.duration) as total, sum(c.own) "
    "as own, max(c.duration) as longest,\n"
    "sum(c.duration) / count(c.duration) as mean\n"
    "from calls c join functions f on f.id = c.function where c.duration is not null\n"
    "group by c.function order by own desc, function;\n"

    "create view slowest_calls as\n"
    "select c.start, f.name as function, p.process, c.duration, c.own, e.message as "
    "arguments, r.message as result, c.ended\n"
    "from calls c join functions f on f.id = c.function join called_processes p on p.id = "
    "c.process join events e on e.id = c.id\n"
    "left join events r on r.id = c.result\n"
    "where c.duration is not null order by c.duration desc;\n"

    /* Who sends most to whom? */
    "create view senders as\n"
    "select p.process as sender, coalesce(q.process, s.peer) as receiver, count(*) as "
    "messages, count(m.latency) as received,\n"
    "sum(m.latency) / count(m.latency) as mean_latency, max(m.latency) as longest_latency\n"
    "from messages m join called_processes p on p.id = m.sender join events s on s.id = "
    "m.send\n"
    "left join called_processes q on q.id = m.receiver\n"
    "group by 1, 2 order by messages desc, 1, 2;\n"

    "create view slowest_messages as\n"
    "select m.sent, p.process as sender, q.process as receiver, m.latency, s.message\n"
    "from messages m join events s on s.id = m.send join called_processes p on p.id = "
    "m.sender\n"
    "join called_processes q on q.id = m.receiver\n"
    "where m.latency is not null order by m.latency desc;\n"

    /* What went wrong, and how often? */
    "create view exceptions as\n"
    "select f.name as function, e.message as why, count(*) as times\n"
    "from events e join functions f on f.id = e.function\n"
    "where e.kind = (select id from kinds where name = 'function_exception') and "
    "coalesce(e.metadata, '') not like '%tail'\n"
    "group by 1, 2 order by times desc, 1, 2;\n"

    "create view exits as\n"
    "select reason, count(*) as processes from processes where ended is not null group by "
    "reason order by processes desc, reason;\n"

    /* Which servers are slow, and is it the waiting or the work? */
    "create view servers as\n"
    "select coalesce(p.process, 'not seen') as server, count(*) as calls, count(g.done) "
    "as answered,\n"
    "sum(g.duration) / count(g.duration) as mean, max(g.duration) as longest, "
    "sum(g.waiting) / count(g.waiting) as mean_waiting,\n"
    "sum(g.handling) / count(g.handling) as mean_handling\n"
    "from gen_calls g left join called_processes p on p.id = g.server group by g.server "
    "order by longest desc, 1;\n"

    "create view slowest_gen_calls as\n"
    "select g.sent, c.process as client, s.process as server, g.request, g.duration, "
    "g.waiting, g.handling\n"
    "from gen_calls g join called_processes c on c.id = g.client left join "
    "called_processes s on s.id = g.server\n"
    "where g.duration is not null order by g.duration desc;\n";
