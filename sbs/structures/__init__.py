"""From a crystal or a molecule to its oriented point group."""
