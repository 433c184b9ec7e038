package cache

// Len returns how many entries there are, without waiting for those that are being dropped.
func Len(c *Cache) int { return c.entries.EstimatedSize() }

// Settle waits until what is to be dropped is.
func Settle(c *Cache) { c.entries.CleanUp() }
