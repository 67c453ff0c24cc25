// SPDX-License-Identifier: MIT
#include "markdown.hpp"

#include "text.hpp"

#include <cmark.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <string_view>

namespace sitegen {

namespace {

struct free_node {
    void operator()(cmark_node* node) const { cmark_node_free(node); }
};
struct free_iterator {
    void operator()(cmark_iter* iterator) const { cmark_iter_free(iterator); }
};
struct free_text {
    void operator()(char* text) const { std::free(text); }
};
using node_handle = std::unique_ptr<cmark_node, free_node>;
using iterator_handle = std::unique_ptr<cmark_iter, free_iterator>;

std::string_view literal_of(cmark_node* node) {
    const char* const literal = cmark_node_get_literal(node);
    return literal != nullptr ? literal : "";
}

// What a reader sees of a node: its text and code.
std::string text_of(cmark_node* root) {
    std::string text;
    const iterator_handle walk{cmark_iter_new(root)};
    for (cmark_event_type event = cmark_iter_next(walk.get()); event != CMARK_EVENT_DONE;
         event = cmark_iter_next(walk.get())) {
        if (event != CMARK_EVENT_ENTER) continue;
        cmark_node* const node = cmark_iter_get_node(walk.get());
        switch (cmark_node_get_type(node)) {
        case CMARK_NODE_TEXT:
        case CMARK_NODE_CODE:
        case CMARK_NODE_CODE_BLOCK:
            text += literal_of(node);
            break;
        case CMARK_NODE_SOFTBREAK:
        case CMARK_NODE_LINEBREAK:
            text += ' ';
            break;
        case CMARK_NODE_PARAGRAPH:
        case CMARK_NODE_HEADING:
        case CMARK_NODE_ITEM:
            if (!text.empty()) text += ' ';
            break;
        default:
            break;
        }
    }
    return text;
}

// "../api/fs.md#stat" leads to "../api/fs.html#stat"; addresses elsewhere stay as they are.
void lead_to_page(cmark_node* link) {
    const std::string_view target = cmark_node_get_url(link) != nullptr ? cmark_node_get_url(link) : "";
    const std::size_t path_end = std::min(target.find_first_of("#?"), target.size());
    const std::string_view path = target.substr(0, path_end);
    if (!path.ends_with(".md") || path.starts_with('/') || path.find(':') != std::string_view::npos) return;
    const std::string changed =
        std::string{path.substr(0, path.size() - 2)} + "html" + std::string{target.substr(path_end)};
    cmark_node_set_url(link, changed.c_str());
}

void add_anchor(cmark_node* node, page& rendered, std::set<std::string>& used) {
    heading found{cmark_node_get_heading_level(node), text_of(node), {}};
    const std::string wanted = slug(found.text);
    found.id = wanted;
    for (int next = 2; !used.insert(found.id).second; ++next)
        found.id = wanted + "-" + std::to_string(next);
    const std::string html = "<a id=\"" + found.id + "\"></a>";
    cmark_node* const anchor = cmark_node_new(CMARK_NODE_HTML_INLINE);
    if (anchor == nullptr) throw std::bad_alloc{};
    cmark_node_set_literal(anchor, html.c_str());
    if (cmark_node_prepend_child(node, anchor) == 0) cmark_node_free(anchor);
    rendered.headings.push_back(std::move(found));
}

} // namespace

void render_markdown(page& rendered) {
    const node_handle document{
        cmark_parse_document(rendered.markdown.data(), rendered.markdown.size(), CMARK_OPT_DEFAULT)};
    if (!document) throw std::bad_alloc{};
    rendered.text = text_of(document.get());
    std::set<std::string> used;
    const iterator_handle walk{cmark_iter_new(document.get())};
    for (cmark_event_type event = cmark_iter_next(walk.get()); event != CMARK_EVENT_DONE;
         event = cmark_iter_next(walk.get())) {
        cmark_node* const node = cmark_iter_get_node(walk.get());
        if (event == CMARK_EVENT_ENTER && cmark_node_get_type(node) == CMARK_NODE_LINK) lead_to_page(node);
        // On the way out: the children have been walked, so that adding one does not disturb the walk.
        if (event == CMARK_EVENT_EXIT && cmark_node_get_type(node) == CMARK_NODE_HEADING)
            add_anchor(node, rendered, used);
    }
    const std::unique_ptr<char, free_text> html{cmark_render_html(document.get(), CMARK_OPT_UNSAFE)};
    if (!html) throw std::bad_alloc{};
    rendered.html = html.get();
}

} // namespace sitegen
