"""The commands of `retorno`, one module per subject; a command loads only the module it stands in."""
