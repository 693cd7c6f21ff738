"""What operators do: back up, restore, live through the loss of a part, upgrade."""
