"""What ``pullcord connect`` is made of: what is wanted, asking, trying, storing."""
