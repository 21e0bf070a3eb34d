"""A whole company on this machine: invented people, groups and policies, and the story they play."""
