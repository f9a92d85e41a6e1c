"""Pure: files in which judgments and items come from elsewhere and go there, each by its tool."""
