package typing

// Count is how many are typing, as far as this node knows: one counts once for each room.
func (s *Service) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}
