// Package testenv gives tests real servers. It is for tests alone.
//
// There are two kinds:
//
//   - The shared servers, which scripts/services.sh starts for a checkout.
//     [DSN] and [Pool] make a fresh, migrated database on the shared Postgres for
//     each call; [Redis], [RedisURL] and [Prefix] give the shared Redis and a
//     key prefix of one's own. They cost some tens of milliseconds, so every
//     test takes its own and all may run in parallel.
//   - Private servers, [StartPostgres] and [StartRedis], which a test may kill,
//     stop, pause and start again, and [TCPProxy], which stands between a
//     program and either kind and plays a broken network.
//
// The shared servers are found by PARLEY_TEST_DATABASE_URL and
// PARLEY_TEST_REDIS_URL, else by the file .local/env (or $PARLEY_LOCAL/env)
// of the checkout. A test that finds none fails; it never skips. Neither
// database nor keys of anybody else are touched, and all that a test made is
// gone when it ends, also after a failure. Databases whose process was killed
// are dropped by a later run, an hour after they were made.
//
// Every function may be called from several goroutines at once; methods of one
// server may not.
package testenv
