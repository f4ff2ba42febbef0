package engineio

// transport carries a session's packets. A session has one; moving to another
// means swapping it under the session's lock.
//
// The session calls its transport with its lock held, so these must not block
// and must not call back.
type transport interface {
	// name is the protocol's word for it: "websocket" or "polling".
	name() string
	// upgrades are the transports that a client may move to from here.
	upgrades() []string
	// pending is called when the queue is no longer empty: somebody has to call
	// session.take until there is nothing left.
	pending()
	// wake is called once, when the session begins to close: reading has to end,
	// and then Handler.Closed to be called.
	wake()
	// abort drops the connection at once, with whatever is in flight. reset asks
	// for an abrupt end that leaves nothing in the kernel either.
	abort(reset bool)
}
