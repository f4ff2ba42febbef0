// Package metrics counts what a node does, for Prometheus and for administrators.
//
//	histogram.go  how long, or how many: buckets and no locks
//	table.go      answers by name and code, and how long they took lately
//	registry.go   everything together, as Prometheus reads it
//
// # Promises
//
// Cost. To observe something is a few atomic additions, about 20 ns. What is in a snapshot is made when it is asked for.
//
// Bounds. Labels have values from sets that are known when a node starts: names of commands and routes, codes of the wire
// contract, names of views. Everything else counts as "unknown". Nothing is counted by user, room or socket.
//
// Exactness. Counts are exact, and never go back while a process lives. Percentiles are of the last 5 to 6 minutes and
// at most 3.2% off; averages are exact.
//
// Secrets. Nothing in here comes from what clients say but numbers.
package metrics
