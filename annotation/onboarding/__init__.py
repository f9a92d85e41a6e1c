"""What somebody reads, tries and shows before they may judge."""
