"""What pages and commands read across rooms: plain values, bounded, without HTML."""
