"""The filter `rendered` of templates."""

from django.template import Context, Template


def test_a_template_draws_untrusted_text():
    template = Template('{% load evaltrack %}{{ text|rendered:"markdown" }}')
    assert template.render(Context({"text": "*a* <b>"})) == (
        '<div class="prose" dir="auto" hx-disable><p><em>a</em> &lt;b&gt;</p>\n</div>'
    )
