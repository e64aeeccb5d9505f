"""Pictures and measurements of networks."""
