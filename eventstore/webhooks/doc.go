// Package webhooks pushes the log to those who cannot come and fetch it: a webhook is a consumer (see package
// consumers) with an address.
//
//	webhooks.go  the menu: make, show, delete, resume, rewind
//	row.go       how one is stored
//	leader.go    one node delivers for all
//	worker.go    one webhook: what comes next, and what came of it
//	sender.go    one delivery
//	target.go    where deliveries may go
//
// # Promises
//
// At least once, in order. A delivery is what follows the last one that was taken, in the order of positions; the next
// one is made when it was answered with 2xx, and the position moves then and not before. Whatever else happens (another
// status, no answer in time, a node that dies after it has sent) makes it go again, and a receiver
// may then get the same events once more, perhaps with others after them. The id of a delivery stands for exactly its
// events, so two deliveries of one id are the same.
//
// One deliverer. The node that holds an advisory lock delivers for all webhooks; the others stand by and ask
// for it each second. Postgres gives the lock free when the connection breaks, and ends the connection of a node
// that has not been heard of for Config.Lease. A node that has lost the lock without knowing may send a last delivery of each
// webhook; it moves no position, since those are set on condition that they are where it left them.
//
// Nobody waits for another. Each webhook has a goroutine; a number of deliveries go at the same time, and a receiver
// that is slow holds one of those places until its time is over, then it has to wait longer and longer.
// Only what is being sent is in memory.
//
// Failures. The pause after one doubles with each in a row, with a part of it left to chance; Retry-After is
// followed when it is longer. What has failed for Config.ParkAfter is parked, and so is at once what the receiver answers
// with 410: then nothing is sent until somebody resumes or changes the webhook. The log keeps everything meanwhile.
//
// Where to. https alone, to addresses of the public internet alone, which is checked of the address that is dialled, after
// names are resolved. No redirect is followed, no proxy is used, and of an answer no more than the status is
// looked at, so that a webhook tells nobody what else answers where the node can reach.
//
// Secrets. What a delivery is signed with is in Postgres as it is, since an HMAC needs the key itself. It is shown
// once when it is made here, and is in no answer, log or error after that. The analysts' role cannot read its table.
package webhooks
