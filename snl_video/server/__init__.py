"""A web page that recognises videos; needs the extra `serve`."""
