// Package wire holds the JSON shapes that clients see, and the one mapping from facts to
// pushes. Acks, pushes, recovery, sync and REST share it, so what is fetched and what is
// pushed cannot drift apart.
//
// Pushes is a pure function of one recorded event: a push needs no view and no second
// read, so every node, now or on a replay next year, makes the same bytes.
package wire
