"""What reads recorded nodes to give derivatives: reverse mode, its functional form, user rules."""
