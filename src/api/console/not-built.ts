/** Shown at /console when its files are not there: a checkout whose `npm ci` was told not to run scripts. */
export const notBuilt = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Belfry console</title>
  </head>
  <body>
    <h1>The console is not built yet</h1>
    <p>Belfry itself is running. To build its console, run this in its folder and start it again:</p>
    <pre>npm run prepare</pre>
    <p>Meanwhile the command line shows the same: <code>npm run -s belfry -- notifications list</code></p>
  </body>
</html>
`
