// SPDX-License-Identifier: MIT
// CommonMark to HTML, by cmark.
#pragma once

#include "site.hpp"

namespace sitegen {

/// Fills `html`, `text` and `headings` from `markdown`. Headings get an anchor; links to other Markdown files of the
/// site lead to their pages. HTML in the Markdown is kept: it is the site's own.
void render_markdown(page& rendered);

} // namespace sitegen
