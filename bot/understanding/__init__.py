"""Words to meaning: packs, matching, emergencies; knows nothing of calls or storage."""
