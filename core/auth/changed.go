package auth

// changed has forgotten what is remembered of a user, a client or an API token, which was changed in the store. Whoever
// changes one calls it between the store and the mark, even if the store failed: it may have made the change.
func (s *Service) changed(id string) { s.cache.forgetUser(id) }

// changedAll is changed for everybody.
func (s *Service) changedAll() { s.cache.clear() }
