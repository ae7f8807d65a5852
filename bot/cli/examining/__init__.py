"""What ``pullcord doctor`` looks at, one module per part."""
