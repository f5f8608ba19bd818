"""The cheapest list of acts that reaches a sharing target, or covers the villages: integer programmes."""
