// Package domain says what a chat is: its facts, its rules and its errors.
//
// It knows the standard library only. Nothing here reads a clock, draws a random
// number, or does I/O: times and ids arrive in the commands, so every decision is a
// pure function and can be tested as a sentence (given these events, when this is
// asked, then these events or this error).
//
//	domain        who acts (Principal) and the one vocabulary of errors (Code)
//	domain/event  the facts: envelope, streams, wire names, schema versions
//	domain/user   decisions about accounts
//	domain/room   decisions about rooms and their members
//	domain/message decisions about messages and what others put on them
//	domain/receipt decisions about what was read and received
//	domain/wire   the JSON shapes that clients see, made from events alone
package domain
