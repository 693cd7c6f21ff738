"""Documents that are written from code: settings, AsyncAPI, the JSON Schema of a run manifest as a page."""
