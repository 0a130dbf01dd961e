"""Training data: folders of pictures packed once, patches drawn from them, synthetic tiles."""
