"""The browser face: pages rendered on the server, their view models, and the assets that make them come alive."""
