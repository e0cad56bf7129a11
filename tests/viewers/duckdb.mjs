// duckdb.mjs DIR FILE SQL: what DuckDB answers, as JSON; DIR has its module in node_modules.
import { createRequire } from 'node:module';
const [dir, file, sql] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(dir + '/')('@duckdb/node-api');
const connection = await (await DuckDBInstance.create(':memory:')).connect();
await connection.run(`create view trace as from '${file}'`);
console.log(JSON.stringify((await connection.runAndReadAll(sql)).getRowObjectsJson()));
