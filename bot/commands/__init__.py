"""What people can tell Pullcord: one module per command."""
