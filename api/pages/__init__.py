"""What all pages share: their policy, their layout, words for moments and states, charts."""
