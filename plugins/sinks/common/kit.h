/* kit.h: what sinks share, for those who write one; installed as <beamtap/kit.h>, with the library
 * that has its functions (pkg-config beamtap-sink). It is linked into the plugin, so it goes with
 * the headers that it came with, and a plugin built with it needs nothing of beamtap but the host.
 *
 *     file_sink.h       all of a sink that writes a file, but for what an event is in it
 *     writer.h          its file, and numbers and bytes as text
 *     file_claim.h      an output that is no file of lines: a database
 *     call_stacks.h     who called whom, and how long it took
 *     call_rules.h      the same for stacks of your own: what ends a call, and what does not
 *     sums.h            how often and how much, by a key
 *     stack_sums.h      the same by stacks of calls, and a profile's functions
 *     process_table.h   what processes are called
 *     process_name.h    how processes, modules and functions are written, Elixir's as its own
 *     node_labels.h     what printing needs to know of a node
 *     payload_atom.h    an atom of a payload, as a name
 *     protobuf.h        messages of Protocol Buffers
 */
#ifndef BEAMTAP_KIT_H
#define BEAMTAP_KIT_H

#include "sinks/common/call_rules.h"
#include "sinks/common/call_stacks.h"
#include "sinks/common/file_claim.h"
#include "sinks/common/file_sink.h"
#include "sinks/common/node_labels.h"
#include "sinks/common/payload_atom.h"
#include "sinks/common/process_name.h"
#include "sinks/common/process_table.h"
#include "sinks/common/protobuf.h"
#include "sinks/common/stack_sums.h"
#include "sinks/common/sums.h"
#include "sinks/common/writer.h"

#endif
