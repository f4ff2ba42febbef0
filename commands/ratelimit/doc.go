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
// Exactness. While Redis answers, the processes together never allow more than limit actions in a window,
// whatever their clocks say: the time is Redis's. Without Redis each process allows limit
// actions by itself, and what it has allowed before counts.
//
// Lots. For a key that acts several times in a second, a process takes as many actions at once as the key did in the last
// second: 64 at most, and a sixteenth of what is left in the window, so near its limit, and under a small one, a key is counted one by one.
// Redis counts them from when the lot ends (a second, and a 64th of the window at most). What was not used comes back when the
// process asks for the key again. So on one process a key has all of its limit, but may wait for that second
// more; and one that goes on elsewhere may miss what is left of a lot, until it leaves the window.
//
// Time. An answer that needs Redis takes one round trip and one call of a script, shared by everybody who asks meanwhile. It
// never takes longer than Config.Wait; after one failure, Redis is asked again once in each
// Config.Retry, and nobody else waits.
//
// Memory. A key costs some 10 bytes in Redis for each action in its window, and expires with
// it. A process remembers the most recent keys only (see Config.Keys).
package ratelimit
