// Package ratelimit counts what keys do in sliding windows.
//
// A key may act limit times in any stretch of time as long as the window, and all of them
// at once if it likes. A refusal says how long it takes until one more is allowed, and is not
// counted itself.
//
//	Local  counts in this process
//	Redis  counts for all processes, exactly, and falls back to Local
//
// # Promises
//
// Exactness. While Redis answers, the processes together allow limit actions in a window,
// whatever their clocks say: the time is Redis's. Without Redis each process allows limit
// actions by itself, and what it has allowed before counts.
//
// Time. An answer takes one round trip that is shared by everybody who asks meanwhile. It
// never takes longer than Config.Wait; after one failure, Redis is asked again once in each
// Config.Retry, and nobody else waits.
//
// Memory. A key costs some 10 bytes in Redis for each action in its window, and expires with
// it. A process remembers the most recent keys only (see Config.Keys).
package ratelimit
