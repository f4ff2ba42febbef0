package trace

// Decode reads what a node has written, and writes it again.
func Decode(b []byte) ([]byte, error) {
	c, err := decodeChunk(b)
	if err != nil || len(c.marks) == 0 {
		return nil, err
	}
	return c.encode(), nil
}

// Key is where the chunks are.
func (t *Trace) Key() string { return t.key() }
