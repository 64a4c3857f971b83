"""What a loop is: the steps of a conversation, rows of them that repeat, and requests that are asked again."""
