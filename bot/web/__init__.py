"""Pages and the HTTP API over the other rooms; holds no rules of its own."""
