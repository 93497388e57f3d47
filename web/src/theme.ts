// Runs before the first paint, so that a chosen theme does not flash. Kept apart from main because main is a deferred module.
const chosen = localStorage.getItem('resync.theme');
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
