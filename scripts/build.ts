// npm run build: makes the two programs.
