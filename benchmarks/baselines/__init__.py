"""What the product is measured against: the usual way, and the least that anybody could do."""
