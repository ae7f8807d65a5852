"""Service hooks: what happened, who subscribed to it, and the delivery over HTTP."""
