#!/bin/sh
# The browser of the journeys: found, installed where that may be done, or told loudly that it is missing.
found() {
    test -n "$ASSAY_CHROMIUM" -a -x "$ASSAY_CHROMIUM" || command -v chromium chromium-browser google-chrome >/dev/null
}
case "$1" in
found) found ;;
install)
    test "$(id -u)" = 0 && command -v apt-get >/dev/null || exit 1
    echo "Installing Chromium for the browser journeys."
    (apt-get update -qq && apt-get install -qq -y chromium) >/dev/null 2>&1
    ;;
tell)
    echo "!!! THE BROWSER JOURNEYS DID NOT RUN: no Chromium was found. Install Debian's package chromium, or set ASSAY_CHROMIUM to a browser, and run 'make journeys'." >&2
    ;;
esac
