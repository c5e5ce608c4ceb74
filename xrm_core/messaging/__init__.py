"""Mail in and out, calendars and webhooks: everything that leaves the system or comes in by itself."""
