package wire

// Connection is a live socket as administrators see it.
type Connection struct {
	ID        string `json:"id"`
	UserID    string `json:"userId"`
	Transport string `json:"transport"`
	Node      string `json:"node"`
	// Rooms are what it hears: of a socket of another node not all of them may be named.
	Rooms []string `json:"rooms"`
	// RoomCount is how many they are.
	RoomCount     int  `json:"roomCount"`
	HandshakeTime Time `json:"handshakeTime"`
	// QueuedBytes wait to be sent. Of a socket of another node it is known roughly.
	QueuedBytes int `json:"queuedBytes"`
}

// ConnectionCount is how many sockets there are.
type ConnectionCount struct {
	Total       int            `json:"total"`
	ByTransport map[string]int `json:"byTransport"`
}

// NodeConnections are those of one node.
type NodeConnections struct {
	Node string `json:"node"`
	ConnectionCount
	// SeenAt is when the node said so.
	SeenAt Time `json:"seenAt"`
}

// Connections is a page of the sockets of all nodes. What it counts are all of them, whatever was asked for.
type Connections struct {
	ConnectionCount
	Nodes       []NodeConnections `json:"nodes"`
	Connections []Connection      `json:"connections"`
	// NextCursor asks for the page after this one; "" on the last page.
	NextCursor string `json:"nextCursor,omitempty"`
	// Complete is false while only this node is known of.
	Complete bool `json:"complete"`
}

// ConnectionQuery says which sockets to list. What is "" counts for nothing.
type ConnectionQuery struct {
	UserID, Node, Transport string
	// After is where the page before ended: its NextCursor.
	After string
	// Limit is how many at most, at least one.
	Limit int
}

// Wants reports whether the query asks for a socket.
func (q ConnectionQuery) Wants(c Connection) bool {
	return (q.UserID == "" || q.UserID == c.UserID) && (q.Node == "" || q.Node == c.Node) &&
		(q.Transport == "" || q.Transport == c.Transport)
}

// NewConnectionCount counts nothing yet.
func NewConnectionCount() ConnectionCount {
	return ConnectionCount{ByTransport: map[string]int{"websocket": 0, "polling": 0}}
}

// Add counts as many sockets as other.
func (c *ConnectionCount) Add(other ConnectionCount) {
	c.Total += other.Total
	for transport, n := range other.ByTransport {
		c.ByTransport[transport] += n
	}
}
