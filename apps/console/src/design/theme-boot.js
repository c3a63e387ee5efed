// Puts the stored theme in force before the first paint. Loaded as a classic script from the head.
try {
  const stored = localStorage.getItem('belfry.theme')
  if (stored === 'light' || stored === 'dark') document.documentElement.dataset.theme = stored
} catch {
  // Storage is switched off in this browser: the system's theme stays.
}
