"""Parts of bench/pretrain.py."""
