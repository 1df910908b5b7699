"""What the integration tests are made of: weir itself, peers for it, and waiting."""
