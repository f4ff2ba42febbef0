// Package storetest is the suite that every store of events passes: each rule written in
// package eventstore, stated as a test. It is for tests alone.
package storetest
