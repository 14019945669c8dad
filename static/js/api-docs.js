// The API's documentation: Swagger UI over our own OpenAPI document, in the theme of the other pages.
const root = document.documentElement;
const place = document.getElementById("swagger-ui");
const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
const dark = matchMedia("(prefers-color-scheme: dark)");

function follow() {
  const theme = root.dataset.theme ?? (dark.matches ? "dark" : "light");
  root.classList.toggle("dark-mode", theme === "dark");
}

follow();
dark.addEventListener("change", follow);
window.SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = token; // whoever is signed in acts from a page of ours
    return request;
  },
});
