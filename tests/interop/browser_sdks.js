// What a page has of the official browser SDKs: an `upload` function of each, and a form of the older React components.
import * as javascript from "@imagekit/javascript";
import * as next from "@imagekit/next";
import * as react from "@imagekit/react";
import * as vue from "@imagekit/vue";
import ImageKit from "imagekit-javascript";
import FirstImageKit from "imagekit-javascript-1";
import { IKContext, IKUpload } from "imagekitio-react";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const urlEndpoint = "https://ik.imagekit.io/emulator";

async function authenticated(upload, options) {
    const authenticator = await fetch("/auth");
    return upload({ ...options, ...(await authenticator.json()) });
}

window.uploads = {
    "@imagekit/javascript 5": (options) => authenticated(javascript.upload, options),
    "@imagekit/next 2": (options) => authenticated(next.upload, options),
    "@imagekit/react 5": (options) => authenticated(react.upload, options),
    "@imagekit/vue 4": (options) => authenticated(vue.upload, options),
    "imagekit-javascript 4": ({ publicKey, ...options }) =>
        authenticated((all) => new ImageKit({ publicKey, urlEndpoint }).upload(all), options),
    "imagekit-javascript 1": ({ publicKey, ...options }) =>
        new FirstImageKit({ publicKey, urlEndpoint, authenticationEndpoint: `${origin}/auth` }).upload(options),
};

window.showForm = (publicKey) =>
    new Promise((resolve, reject) => {
        const authenticator = async () => (await fetch("/auth")).json();
        const field = createElement(IKUpload, { fileName: "form.png", onSuccess: resolve, onError: reject });
        const form = createElement(IKContext, { publicKey, urlEndpoint, authenticator }, field);
        createRoot(document.querySelector("main")).render(form);
    });
