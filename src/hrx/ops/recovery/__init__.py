"""Backup, restore and standby: any second can be brought back, and it is proven by bringing it back."""
