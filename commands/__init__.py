"""What people call: python -m commands.<name>. No stage needs them, so DVC does not watch them."""
